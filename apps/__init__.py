"""The applications that come with thywill; README.md teaches how to write one."""
