"""The outside world, without the name of any service: a patient HTTP client and the request rate that jobs share."""
