"""Ops that move elements without computing with them: shapes, axes, parts, joins."""
