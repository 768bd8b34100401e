"""What is open now: live quotes, the forecast from what is public, and what the config's strategy would buy."""
