"""What people and programs call. No SQL and no arithmetic on prices; adapters are reached through `bootstrap`."""
