"""Use cases that forecast the past of real markets and publish how good that was; `forecasting` does today's."""
