"""Everything a store can be asked, one module for each kind of row."""
