"""What `toolgate lock` is made of: asking the servers, and showing what is different."""
