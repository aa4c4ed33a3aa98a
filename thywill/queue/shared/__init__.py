"""A queue that several servers share: any server answers any browser, one runs an application's hooks."""
