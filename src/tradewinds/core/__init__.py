"""What every room uses: errors, files, exact units, text. It imports no other room of the package."""
