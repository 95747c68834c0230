"""Network families: generators and critics."""
