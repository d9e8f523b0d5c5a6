"""The rules as managers see and change them: shelf, drafts, publishing, parameters, scans. docs/rules.md."""
