"""录入检查: a slip that is filled without looking at the mouse."""
