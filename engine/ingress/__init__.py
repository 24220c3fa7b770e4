"""Messages of a broker start runs, and the broker gets the status of those runs.

Begin with `consumer.py`, the process that takes messages; `orders.py` says what a message may ask for, `brokers/` has a
module for each kind of broker. Started by `orchestra ingress`; optional.
"""
