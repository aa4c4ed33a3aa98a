"""A queue that several servers share: any server answers any browser, and one runs an application's hooks."""
