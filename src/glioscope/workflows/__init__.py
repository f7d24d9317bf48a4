"""One module a command that people call (run, inspect …), and one a stage of an exam (preprocess_exam …)."""
