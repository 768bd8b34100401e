"""Steps from one version of the schema to the next (alembic); schema.py decides when they are taken."""
