"""The domain: values, eye maths, facts, rules, SOP and wire messages. No Qt, SQL, HTTP, clock or files."""
