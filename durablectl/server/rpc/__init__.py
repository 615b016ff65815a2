"""The Durable Task protocol over a local hub: what clients of it ask, answered over gRPC.

`operations` answers messages and knows no gRPC; `endpoint` is the server. Loaded only where a
client of this kind is served.
"""
