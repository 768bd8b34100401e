#!/usr/bin/env bash
# Install the versions of requirements.lock and the project itself, editable, into .venv: `run`, what a backtest needs, or `all`,
# with the tools of developers. uv does it in seconds where pip takes more than a minute; pip fetches uv, by its locked hash. uv does
# not read pip.conf: where it cannot install (an index or a proxy named only there), that is said and pip installs everything.
set -euo pipefail
what=$1 bin=.venv/bin
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"  # the certificates that this machine trusts, as pip takes them
pip() { "$bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

with_uv() {
  sed -n '/^uv==/,/[^\\]$/p' requirements.lock > .venv/uv.lock
  "$bin/python" -c 'import uv' 2> /dev/null || pip --no-deps --require-hashes -r .venv/uv.lock || return
  local uv=("$bin/uv" pip install --quiet --python "$bin/python" --require-hashes)
  case $what in
    run) "${uv[@]}" -r pyproject.toml --constraint requirements.lock ;;
    all) "${uv[@]}" --compile-bytecode -r requirements.lock ;;
  esac && "$bin/uv" pip install --quiet --python "$bin/python" --no-deps --editable .
}

with_uv || {
  echo "uv could not install, for the reason above; trying pip, which reads pip.conf (this takes more than a minute)" >&2
  pip --require-hashes -r requirements.lock
  pip --no-deps --editable .
}
