"""What the watcher has recorded: the forms of its files, and how others read them.

The watcher writes with the forms (``line``, ``call``, ``sample``); the monitor and people read with ``logs``, ``calls``
and ``samples``. Nothing here writes, and nothing here imports the watcher.
"""
