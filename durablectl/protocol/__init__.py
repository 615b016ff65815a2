"""The Durable Task gRPC protocol without gRPC: its messages, and a codec between them and our
values.

`messages` makes the message classes; every other module reads any message of the protocol, whatever
made its class, and returns the fields of the messages to write as dicts, so that
`messages.HistoryEvent(**event_fields(...))` works with our classes and with those of the
`durabletask` package. Nothing here is loaded before a hub or an app needs it.
"""
