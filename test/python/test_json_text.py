"""The vectors that the agent runs too: what one side accepts, the other must."""

import io
import json
import os
import unittest

from sg_session._json_text import loads

VECTORS = os.path.join(os.path.dirname(__file__), "..", "vectors", "json-text.json")


class JsonText(unittest.TestCase):
    def test_vectors(self):
        with io.open(VECTORS, encoding="utf-8") as file:
            cases = json.load(file)["cases"]
        self.assertGreater(len(cases), 40)
        for case in cases:
            with self.subTest(case["name"]):
                if case.get("refused"):
                    with self.assertRaises(ValueError):
                        loads(case["text"])
                else:
                    self.assertEqual(loads(case["text"]), case["value"])

    def test_depth_far_beyond_the_limit_is_an_ordinary_refusal(self):
        with self.assertRaises(ValueError):
            loads("[" * 30000 + "]" * 30000)


if __name__ == "__main__":
    unittest.main()
