"""Tables: CSV and Parquet files, their columns as features, and back."""
