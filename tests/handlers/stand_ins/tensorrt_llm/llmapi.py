KvCacheConfig = dict
