"""The SDK behind `import muniment`. It hashes, signs and checks proofs on the user's side."""
