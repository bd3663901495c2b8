"""Amazon Bedrock's Converse and ConverseStream.

Content is a list of blocks whose one field is their kind, bytes are base64, streams are frames of bytes
(`gateway.dialects.event_stream`), and the model stands in the URL. What is read from this format and written in it
again is the same JSON, thoughts byte for byte.
"""

from gateway.dialects.bedrock_converse.dialect import BEDROCK_CONVERSE, BedrockConverse

__all__ = ["BEDROCK_CONVERSE", "BedrockConverse"]
