"""Assets, jobs and sensors of trainings, forecasts and scores, and the pictures their runs show."""
