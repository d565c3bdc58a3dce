"""Assets of the stock masters and the sensors that follow them. Guards of a list belong to `domain.market`."""
