//! E/I layers for ordinary burn models.
