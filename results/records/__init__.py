"""What the results store knows: plain, frozen records that turn into JSON and back.

Nothing here knows about graphs, compilers or a database. A record refuses contents that contradict each other when it
is made (ValueError). So whoever holds one can rely on it.
"""
