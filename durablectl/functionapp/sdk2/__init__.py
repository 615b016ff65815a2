"""Apps of azure-functions-durable 2.x, whose orchestrators run in the SDK's own executor.

`recognise` knows these apps and imports nothing of them. `names` is the one module that imports the
SDK; what imports `names` is loaded once there is such an app.
"""
