"""What an organisation asks about people and keeps: single checks with their evidence, quotas, and staff lists."""
