"""The agents' door: the Model Context Protocol at `/mcp`, and over stdio.

It translates, and decides nothing: each tool is a request to the REST door, made inside this
process with the credentials of whoever calls. So what a key may do, how it is refused, and what is
told of a job are the same at both doors, and nothing here touches the tables.
"""
