"""What runs inside the sandbox: small files that import little, as each start pays for it."""
