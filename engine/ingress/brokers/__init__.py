"""The brokers: NATS JetStream, RabbitMQ and Kafka, each through FastStream."""
