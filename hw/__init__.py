"""What becomes gates, and the contract that everybody shares."""
