module sotto.invalid/link

go 1.19
