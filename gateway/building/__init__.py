"""What a configuration becomes, part by part."""
