"""The local stack: real servers and the app's processes under one supervisor, on 127.0.0.1, below .local/.

Two stacks exist side by side, `dev` and `test`; see layout.py for what tells them apart.
"""
