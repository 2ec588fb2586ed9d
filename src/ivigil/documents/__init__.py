"""What is shown: the plan on the terminal and on paper. Made from results; decides nothing clinical."""
