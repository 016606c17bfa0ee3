"""Static checks of a lowered program.

They find what kernels compute wrongly or refuse although Python's operators say it is right. One file each;
`guards.all` runs them.
"""
