"""The local journal that takes the database's place while that is away."""
