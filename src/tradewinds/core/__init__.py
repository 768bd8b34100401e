"""What every room uses: errors, files, exact units, text. It imports nothing else of the package."""
