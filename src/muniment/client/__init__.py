"""The SDK: what `import muniment` gives. It hashes, signs and checks proofs on the user's side."""
