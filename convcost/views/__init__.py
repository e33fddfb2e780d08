"""What the commands show, as tables: a view turns results into a `convcost.render` Table, and decides nothing else."""
