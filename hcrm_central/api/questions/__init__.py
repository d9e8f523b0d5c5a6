"""What managers ask while they edit a rule, answered by the centre. Nothing is written. docs/rules.md, "Questions"."""
