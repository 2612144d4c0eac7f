"""What clients see: shapes only."""
