"""The random oracle: schemas, transactions and faults made from one seed. See tests/README.md."""
