"""What a client does, as steps: nothing here touches a network or a clock by itself."""
