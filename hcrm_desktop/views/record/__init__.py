"""客户档案: is this eye growing too fast?"""
