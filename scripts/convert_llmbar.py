"""Convert LLMBar as published into the tables that a study reads.

    python scripts/convert_llmbar.py <published folder> <output folder>

Writes pairs.parquet, judgements.parquet and judges.csv. The published folder is `Dataset` of the LLMBar repository,
its subfolder `LLMBar`, or the repository itself.
"""

import argparse
import sys

from prefdissect.errors import InputError
from prefdissect.pairs.llmbar import convert


def main() -> None:
    parser = argparse.ArgumentParser(description="Convert LLMBar as published into pairs, judgements and judges.")
    parser.add_argument("published", help="folder `Dataset` or `LLMBar` as published")
    parser.add_argument("output", help="folder to write to; made when it does not exist")
    arguments = parser.parse_args()
    try:
        convert(arguments.published, arguments.output)
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
