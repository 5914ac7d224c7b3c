"""Tests of the live page: its evaluator and its writer in Node, the page in Chromium."""
