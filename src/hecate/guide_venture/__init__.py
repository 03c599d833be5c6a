"""Process 10, guide_venture: show where a venture stands.  It decides nothing and has no dossier."""
