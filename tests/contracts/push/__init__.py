"""One suite for every push component: what a page may rely on, whatever carries its messages."""
