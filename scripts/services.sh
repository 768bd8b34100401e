#!/usr/bin/env bash
# Install the services that the tests use: MariaDB, Chromium, Slurm. This works as root on Debian. On another system it prints what
# is missing, and the tests that need it are skipped; in CI a missing service is a failure.
set -euo pipefail
missing=()
command -v mariadbd > /dev/null || [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server)
command -v chromium > /dev/null || missing+=(chromium)
command -v slurmctld > /dev/null || [ -x /usr/sbin/slurmctld ] || missing+=(slurm-wlm)
command -v munged > /dev/null || [ -x /usr/sbin/munged ] || missing+=(munge)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # keep the packages from starting servers of their own: the tests start theirs
  [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && trap 'rm -f /usr/sbin/policy-rc.d' EXIT; }
  apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
else
  echo "not installed: ${missing[*]} (Debian: sudo apt-get install ${missing[*]}); tests that need it are skipped" >&2
fi
